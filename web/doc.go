// Package web embeds the built scripts, styles, fonts and icons of all pages
// (dist/, made by internal/tools/assets) and serves them under hashed names.
//
// The page kit and the program's wiring call it. It must not know what the
// pages show.
package web
