// Package jobs runs what must be delivered: callbacks, notifications, mail,
// purges. A job is inserted in the transaction of the fact that it is for, so
// that neither exists without the other, and is tried until it is done.
//
// The hub's rooms and applications insert jobs and register workers; cmd starts
// one Runner for all. Every job may run twice, and its arguments hold ids only.
// It must not know what a job does.
package jobs
