package ntlm

// What tests need of the inside.
var (
	Bind     = bind
	EndPoint = endPoint
	PairsOf  = pairsOf
)
