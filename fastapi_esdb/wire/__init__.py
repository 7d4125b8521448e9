"""The protocol: generated code, plain values, one `Method` value per RPC, errors as statuses and back."""
