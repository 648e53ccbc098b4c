// Package providertest is the conformance suite of the driver contract: what
// package provider promises in words, Run tests against a real driver and a
// world that it can act in.
//
// The tests of each driver call it. It must not know any provider: what a driver
// cannot do is declared by its harness as a gap, and printed.
package providertest
