"""The API of services and of depositors' tools. One module per version holds its names and shapes; nothing else knows them."""
