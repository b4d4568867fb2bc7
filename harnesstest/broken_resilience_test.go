package harnesstest_test

// brokenResilience has a server for each check of suite Resilience.
var brokenResilience = map[string]fault{}
