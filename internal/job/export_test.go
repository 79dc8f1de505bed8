package job

// NewBlock makes a block of steps without a file around them.
var NewBlock = newBlock
