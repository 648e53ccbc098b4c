package main

import (
	"os"
	"testing"
)

// programVariable makes this test binary the program itself, so that tests run
// the real thing in a process of its own, with the race detector if they have it.
const programVariable = "KALENDS_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}
