package job

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parseYAML reads one YAML document, of lines counted from line.
func parseYAML(doc document, limits *budget) (*node, []Field) {
	body, problem := parseBody(doc)
	if problem != nil {
		problem.Line += doc.line
		return nil, []Field{*problem}
	}
	converter := &converter{
		line: doc.line, budget: limits,
		anchors: map[string]*ast.AnchorNode{}, open: map[*ast.AnchorNode]bool{},
	}
	if body == nil {
		return nil, []Field{{Line: doc.line + 1, Column: 1, Message: "the document is empty"}}
	}
	root := converter.convert(body, nil)
	if len(converter.problems) > 0 {
		return nil, converter.problems
	}
	return root, nil
}

// parseBody runs goccy/go-yaml over a document whose cost is known to be
// bounded. It is the one place that recovers from a panic: the parser indexes
// its tokens without looking, and odd input has made it panic.
func parseBody(doc document) (body ast.Node, problem *Field) {
	defer func() {
		if r := recover(); r != nil {
			body = nil
			problem = &Field{Line: 1, Column: 1, Message: "this is not YAML that can be read; look for an unclosed quote, bracket or key"}
		}
	}()
	if bytes.HasPrefix(doc.source, []byte("%")) {
		return nil, &Field{Line: 1, Column: 1, Message: "YAML directives (%) are not supported; remove this line, files are read as YAML 1.2"}
	}
	tokens := lexer.Tokenize(string(doc.source))
	if problem := checkTokens(tokens); problem != nil {
		return nil, problem
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxProblem(doc.source, err)
	}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			return doc.Body, nil
		}
	}
	return nil, nil
}

// checkTokens bounds what the parser is given: how many tokens, and how deep
// they nest, in brackets and by indentation.
func checkTokens(tokens token.Tokens) *Field {
	if len(tokens) > maxTokens {
		return fieldAt(tokens[maxTokens], fmt.Sprintf("the document has more than %d YAML tokens; split the job, or move data out of it", maxTokens))
	}
	flow, columns := 0, []int(nil)
	for _, tk := range tokens {
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			if flow > 0 {
				break
			}
			column := tk.Position.Column
			if tk.Type == token.MappingValueType && tk.Prev != nil {
				column = tk.Prev.Position.Column
			}
			for len(columns) > 0 && columns[len(columns)-1] >= column {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, column)
		default:
		}
		if flow+len(columns) > maxDepth {
			return fieldAt(tk, fmt.Sprintf("lists and maps nest more than %d deep", maxDepth))
		}
	}
	return nil
}

// fieldAt is a problem at a token.
func fieldAt(tk *token.Token, message string) *Field {
	if tk == nil || tk.Position == nil {
		return &Field{Line: 1, Column: 1, Message: message}
	}
	return &Field{Line: tk.Position.Line, Column: max(1, tk.Position.Column), Message: message}
}

// syntaxProblem turns the parser's error into a problem with the way out.
func syntaxProblem(source []byte, err error) *Field {
	var syntax yaml.Error
	if !errors.As(err, &syntax) {
		return &Field{Line: 1, Column: 1, Message: "this is not YAML that can be read: " + shorten(err.Error())}
	}
	field := fieldAt(syntax.GetToken(), "")
	line := lineText(source, field.Line)
	message := strings.ReplaceAll(strings.TrimSpace(syntax.GetMessage()), "character '\t'", "a tab")
	field.Message = "YAML syntax: " + message + syntaxHint(line, message)
	return field
}

// syntaxHint is the way out of the syntax errors that people make.
func syntaxHint(line, message string) string {
	switch {
	case strings.Contains(message, "a tab"), strings.HasPrefix(line, "\t"):
		return "; indent with spaces, never with tabs"
	case strings.Contains(line, `"${`):
		return "; in a value in double quotes the texts of an expression stand in single ones: \"${run.job == 'orders'}\""
	case strings.Contains(line, "${"):
		return `; put a value that holds an expression in double quotes: "${…}"`
	case strings.Contains(message, "mapping value is not allowed"):
		return "; check the indentation, and quote a text that holds `: `"
	case strings.Contains(message, "reserved character"):
		return "; quote a text that begins with it"
	case strings.Contains(message, "could not find end character"):
		return "; close the quote"
	case strings.Contains(message, "end token"):
		return "; close the bracket"
	}
	return "; check the indentation and the quotes, here and in the lines above"
}

// lineText is a 1-based line of a source, without its end.
func lineText(source []byte, line int) string {
	for ; line > 1 && len(source) > 0; line-- {
		source = source[lineLength(source):]
	}
	if len(source) == 0 {
		return ""
	}
	return strings.TrimRight(string(source[:lineLength(source)]), "\r\n")
}
