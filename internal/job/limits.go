package job

import "github.com/fairlead/fairlead/internal/job/expr"

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
	// maxMerged is the most bytes that the defaults may grow to when every step
	// has its own copy; the values are bounded by maxNodes.
	maxMerged = 16 << 20
	// maxExpressions is the most `${…}` of a job, those in defaults once for
	// every step that takes them: a second or two to compile.
	maxExpressions = 20_000
	// maxReferences is how many references a schema may follow in a row.
	maxReferences = 100
	// maxEvaluations is the most schemas that may be evaluated for one value.
	maxEvaluations = 1000
	// maxProblems is after how many problems no more are looked for.
	maxProblems = expr.MaxProblems
	// maxFields is the most problems in one answer.
	maxFields = 100
	// maxInput is the most bytes a run's input may have.
	maxInput = 1 << 20
	// maxWith is the most bytes a step's rendered arguments may have; the largest
	// output of an action fits.
	maxWith = 16 << 20
)
