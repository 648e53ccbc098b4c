package mirror

import (
	"time"

	kalends "kalends"
)

// How far the mirror reaches, in days before and after today.
const (
	daysBack    = 42
	daysForward = 201
)

const day = 24 * time.Hour

// reach is how far beyond the window a stretch is kept as it is.
const reach = 366 * day

// WindowAt gives the span that is mirrored at an instant. It moves on at
// midnight UTC.
func WindowAt(now time.Time) kalends.Window {
	today := now.UTC().Truncate(day)
	return kalends.Window{Start: today.Add(-daysBack * day), End: today.Add((daysForward + 1) * day)}
}
