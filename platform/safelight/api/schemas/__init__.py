"""The shapes of requests and answers: what the OpenAPI document, and the page's types, are made from."""
