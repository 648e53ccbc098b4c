// Package mail composes letters as text and HTML and sends them by SMTP.
//
// Smart Calendar calls it from a job. It keeps no queue and tries once: the job
// repeats. It must not know who writes to whom, or why.
package mail
