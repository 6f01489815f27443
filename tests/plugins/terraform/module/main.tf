variable "greeting" {
  type = string
}

resource "terraform_data" "made" {
  input = var.greeting
}

output "said" {
  value = terraform_data.made.output
}
