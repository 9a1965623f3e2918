"""Early exits: a sample stops in the first step in which its output is sure; fitted, kept in a file, applied."""
