"""What things cost: loads, measurements and the commands that print them.  Nothing in the product imports from here."""
