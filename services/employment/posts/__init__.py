"""Public-welfare posts 乡村公益性岗位 (PW-*): opened in villages, and who holds them."""
