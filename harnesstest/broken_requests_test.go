package harnesstest_test

// brokenRequests has a server for each check of suite Requests.
var brokenRequests = map[string]fault{}
