"""The site of the documentation: reference pages made from the code, and the pages put together and built."""
