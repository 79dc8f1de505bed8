package job

// The limits of a job file. They bound what one publish may cost; none of them
// is near what a person writes.
const (
	// MaxSource is the most bytes a file may have, all its documents together.
	MaxSource = 1 << 20
	// MaxSteps is the most steps a job may have.
	MaxSteps = 1000
	// maxDepth is how deep lists and maps may nest.
	maxDepth = 100
	// maxKey is the most characters a key may have.
	maxKey = 256
	// maxTokens bounds the work of the YAML parser, whose time grows with the
	// square of the tokens in one map: a second or two at this number.
	maxTokens = 100_000
	// maxNodes is the most values a document may have once its aliases are expanded.
	maxNodes = 100_000
	// maxExpanded is the most bytes its scalars and keys may then have.
	maxExpanded = 2 << 20
	// maxDocuments is the most jobs in a file.
	maxDocuments = 100
	// maxFields is the most problems in one answer.
	maxFields = 100
	// maxInput is the most bytes a run's input may have.
	maxInput = 1 << 20
	// maxWith is the most bytes a step's rendered arguments may have; the largest
	// output of an action fits.
	maxWith = 16 << 20
)
