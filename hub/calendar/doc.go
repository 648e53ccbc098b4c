// Package calendar answers what a person's token may ask: who it belongs to, its
// profiles and calendars, and when they are free.
//
// Package api calls it, with the grant that a bearer's token stands for; every
// answer is about that one grant, and ids of others are not found. It reads rows
// only: it must not know any provider, nor HTTP.
package calendar
