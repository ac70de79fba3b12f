/* Starts Swagger UI on the element that names the API's description. A key is kept in this tab only. */
"use strict";
window.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("explorer");
  SwaggerUIBundle({
    url: place.dataset.schema,
    dom_id: "#explorer",
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    deepLinking: true,
    persistAuthorization: false,
    validatorUrl: null,
    defaultModelsExpandDepth: 0,
    requestInterceptor: (request) => Object.assign(request, { credentials: "omit" }),
  });
});
