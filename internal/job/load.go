package job

import (
	"slices"
	"strconv"
)

// Version is a job as it may be published.
type Version struct {
	Definition *Definition
	// Canonical is the document's one form as JSON: what is stored, and what [Open] reads.
	Canonical []byte
	// Digest names the content: "sha256:" and the hash of Canonical.
	Digest string
	// Source are the document's bytes as they were written.
	Source []byte
	// Warnings are allowed, but surely not meant.
	Warnings []Field
}

// Team is what the checks know of the team that a job is for; the zero value knows nothing.
type Team struct {
	// Variables are the names of its variables. Nil: not known, any name will do.
	Variables []string
}

// Load is [LoadIn] of a team of which nothing is known.
func Load(source []byte) ([]*Version, error) { return LoadIn(Team{}, source) }

// LoadIn reads a job file: YAML 1.2 or JSON, one job a document. It returns every
// job, or one *[Error] with every problem of every document, sorted by line:
// CodeInvalidDefinition, or CodeTooLarge over [MaxSource]. Where there are
// hundreds, the rest isn't looked for.
func LoadIn(team Team, source []byte) ([]*Version, error) {
	documents, err := splitDocuments(source)
	if err != nil {
		return nil, err
	}
	var versions []*Version
	var problems []Field
	limits := newBudget()
	named := map[string]int{}
	for _, doc := range documents {
		version, line, found := loadDocument(team, doc, limits)
		problems = append(problems, found...)
		if len(problems) > maxProblems {
			break
		}
		if version == nil {
			continue
		}
		if first, twice := named[version.Definition.Name]; twice {
			problems = append(problems, Field{
				Pointer: "/name", Line: line.line, Column: line.column,
				Message: "the job `" + version.Definition.Name + "` is in this file twice, first in line " + strconv.Itoa(first) + "; keep one",
			})
			continue
		}
		named[version.Definition.Name] = line.line
		versions = append(versions, version)
	}
	if len(problems) > 0 {
		return nil, invalid(problems)
	}
	return versions, nil
}

// loadDocument reads one document; it returns where its name is written.
func loadDocument(team Team, doc document, limits *budget) (*Version, position, []Field) {
	root, problems := parse(doc, limits)
	if len(problems) > 0 {
		return nil, position{}, problems
	}
	if root.kind != kindMap {
		return nil, position{}, []Field{{
			Line: root.pos.line, Column: root.pos.column,
			Message: "a job is a map of keys such as `name: …` and `steps: …`; here is " + root.describe(),
		}}
	}
	c := newChecker(doc, root)
	c.team = team
	c.check()
	if len(c.problems) > 0 {
		return nil, position{}, c.problems
	}
	sortByPlace(c.warnings)
	canonical := root.canonical()
	return &Version{
		Definition: c.def, Canonical: canonical, Digest: digest(canonical),
		Source: slices.Clone(doc.source), Warnings: c.warnings,
	}, root.get("name").pos, nil
}

// parse reads a document's syntax: JSON where it is JSON, else YAML.
func parse(doc document, limits *budget) (*node, []Field) {
	if isJSON(doc.source) {
		return parseJSON(doc, limits)
	}
	return parseYAML(doc, limits)
}
