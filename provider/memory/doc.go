// Package memory is a calendar system that lives in this process: the reference
// implementation of the driver contract, for tests.
//
// Tests make a World, act in it as its people would, and give its System or
// Driver to whatever they test. It must not be wired into the program.
package memory
