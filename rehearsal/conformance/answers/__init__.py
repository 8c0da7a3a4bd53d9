"""Whether an answer, as it went over the wire, is one that botocore's service model knows.

botocore drops what its model does not know and says nothing. So the body is read here once more, element by element, and held
against the same model; then what botocore's own parser made of it is held against the model by botocore's own validator.
"""
