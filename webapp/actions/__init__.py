"""Everything that changes data because a person or a clock asked: one module per noun, one function per verb."""
