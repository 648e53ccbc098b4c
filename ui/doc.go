// Package ui is the page kit that the hub's own pages and Smart Calendar share:
// layout, components, languages, flash, sessions and the headers that keep
// pages safe.
//
// The console and Smart Calendar call it. It must not know the hub, the
// application, or any data of theirs: callers pass plain values. Every component
// works without JavaScript; scripts make it nicer. Raw HTML is written nowhere.
package ui
