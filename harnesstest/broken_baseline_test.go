package harnesstest_test

// brokenBaseline has a server for each check of suite Baseline.
var brokenBaseline = map[string]fault{}
