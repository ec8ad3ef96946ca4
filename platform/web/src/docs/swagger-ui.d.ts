/** The part of Swagger UI's configuration that is used; its package ships no types. */
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  interface Request {
    headers: Record<string, string>;
  }
  interface Configuration {
    url: string;
    dom_id: string;
    deepLinking: boolean;
    docExpansion: "list";
    defaultModelsExpandDepth: number;
    validatorUrl: null;
    requestInterceptor: (request: Request) => Request;
  }
  export default function SwaggerUIBundle(configuration: Configuration): unknown;
}
