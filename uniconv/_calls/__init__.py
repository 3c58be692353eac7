"""From a native call to the record and back: options, kernel, lower, lift, plans."""
