// Opens the document that the page names; a file of its own, since the page allows no inline script.
const place = document.getElementById("swagger-ui");
SwaggerUIBundle({ domNode: place, url: place.dataset.document, deepLinking: true, validatorUrl: null });
