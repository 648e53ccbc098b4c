// Command bench measures the running program from outside: kalends, the sandbox
// and the receiver of callbacks are processes of their own, over real HTTP and on
// a real database file. `go run ./bench NAME --json` prints one line of figures
// last and exits with 1 when the answer is wrong.
//
// It knows the public API and the sandbox's control API, and nothing inside.
package main
