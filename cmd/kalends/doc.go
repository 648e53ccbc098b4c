// Command kalends is the whole program: the hub and Smart Calendar (serve), both
// with a simulated company (demo), the simulated calendar systems alone (sandbox),
// and the operator's acts.
//
// It is the only place that knows every room and names the provider packages; it
// decides nothing that a room could decide.
package main
