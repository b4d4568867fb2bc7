package harnesstest_test

// brokenSecurity has a server for each check of suite Security.
var brokenSecurity = map[string]fault{}
