package jobs

// AuthorizationCallback answers a request to authorise one address.
type AuthorizationCallback struct {
	RequestID string `json:"request_id"`
}

// Kind implements river.JobArgs.
func (AuthorizationCallback) Kind() string { return "authorization_callback" }

// ConnectionChanged tells an application that a connection ended, broke or
// works again. The audit entry says what happened and who did it.
type ConnectionChanged struct {
	ConnectionID string `json:"connection_id"`
	AuditID      string `json:"audit_id"`
}

// Kind implements river.JobArgs.
func (ConnectionChanged) Kind() string { return "connection_changed" }

// Purge deletes what is left of ended connections of an organisation.
type Purge struct {
	OrganisationID string `json:"organisation_id"`
}

// Kind implements river.JobArgs.
func (Purge) Kind() string { return "purge" }
