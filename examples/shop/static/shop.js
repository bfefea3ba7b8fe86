// The shop's own script: plus and minus beside quantities, and a cart that fills without leaving the page.
// Every form works without it.

(function () {
  "use strict";

  function stepButton(input, label, by) {
    var button = document.createElement("button");
    button.type = "button";
    button.className = "btn step";
    button.textContent = label;
    button.setAttribute("aria-label", by > 0 ? "One more" : "One less");
    button.addEventListener("click", function () {
      if (by > 0) { input.stepUp(); } else { input.stepDown(); }
    });
    return button;
  }

  document.querySelectorAll("[data-steps]").forEach(function (box) {
    var input = box.querySelector("input");
    box.prepend(stepButton(input, "−", -1));
    box.append(stepButton(input, "+", +1));
  });

  // Statistics are told, if they are there. Where they were refused, this does nothing, and nothing breaks.
  function tell(name, details) {
    if (typeof window.gtag === "function") { window.gtag("event", name, details); }
    if (typeof window.fbq === "function") { window.fbq("trackCustom", name, details); }
  }

  function showCount(count) {
    document.querySelectorAll("[data-cart-count]").forEach(function (badge) {
      badge.textContent = count;
      badge.classList.remove("bump");
      void badge.offsetWidth; // restarts the animation
      badge.classList.add("bump");
    });
  }

  document.querySelectorAll("form[data-add]").forEach(function (form) {
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      var fields = new URLSearchParams(new FormData(form));
      fetch(form.action, {method: "POST", headers: {Accept: "application/json"}, body: fields})
        .then(function (answer) { return answer.ok ? answer.json() : Promise.reject(answer.status); })
        .then(function (cart) {
          showCount(cart.count);
          tell("add_to_cart", {currency: "EUR", value: form.dataset.price / 100});
        })
        .catch(function () { form.submit(); });
    });
  });
})();
