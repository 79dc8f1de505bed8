package workers

// ToTemporal and Retryable are how activities' errors reach Temporal.
var (
	ToTemporal = toTemporal
	Retryable  = retryable
)
