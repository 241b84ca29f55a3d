//! A whole document around a handful of schemas.

/// `schemas` is the inside of `components/schemas`; it has a `Thing`, which one operation takes and returns.
pub fn document(schemas: &str) -> String {
    let schemas: String = schemas.lines().map(|line| format!("    {line}\n")).collect();
    format!(
        "openapi: 3.1.0
info: {{ title: Things, version: '1' }}
paths:
  /things:
    post:
      operationId: createThing
      tags: [Things]
      requestBody:
        required: true
        content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/Thing' }} }} }}
      responses:
        '200':
          description: The thing.
          content: {{ application/json: {{ schema: {{ $ref: '#/components/schemas/Thing' }} }} }}
components:
  schemas:
{schemas}"
    )
}
