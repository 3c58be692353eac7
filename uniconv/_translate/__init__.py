"""translate: a call, a layer or a file of one framework as working code of another."""
