-- The Markdown of a notebook as plain Markdown, which Jupyter and Colab show as it is meant: boxes as
-- quotes or <details>, numbers of figures and equations as text, links to the site where no notebook is
local names = {fig = "Figure", tbl = "Table", eq = "Equation"}
local counts, numbers, quizzes, site, page, sources = {fig = 0, tbl = 0, eq = 0}, {}, 0

local function number(id)
  local kind = id:match("^(%a+)%-")
  counts[kind] = counts[kind] + 1
  numbers[id] = {names[kind], counts[kind]}
  return counts[kind]
end

local function html(text) return pandoc.RawBlock("html", text) end

local function strong(text) return pandoc.Para{pandoc.Strong(text)} end

local function Div(div)
  local title = div.attributes.title
  if div.classes:includes("quiz") then
    if not div.classes:includes("predict") then quizzes = quizzes + 1 end
    local name = div.classes:includes("predict") and "Predict" or "Question " .. quizzes
    return pandoc.Blocks{strong(name)} .. div.content
  elseif div.attributes.collapse then
    local open = ("<details><summary>%s</summary>"):format(title)
    return pandoc.Blocks{html(open)} .. div.content .. {html("</details>")}
  elseif title then
    return pandoc.BlockQuote(pandoc.Blocks{strong(title)} .. div.content)
  elseif names[div.identifier:match("^(%a+)%-") or ""] then
    number(div.identifier)
  end
  return div.content
end

-- an equation's `{#eq-x}` becomes the number that MathJax puts beside it
local function Inlines(inlines)
  local out = pandoc.Inlines{}
  for _, x in ipairs(inlines) do
    local id = x.t == "Str" and x.text:match("^{#(eq%-[%w_-]+)}$")
    if id then
      while out[#out].t ~= "Math" do out:remove(#out) end
      out[#out].text = out[#out].text .. " \\tag{" .. number(id) .. "}"
    else
      out:insert(x)
    end
  end
  return out
end

local function Link(link)
  local name, anchor = link.target:match("^([%w_.-]+)%.(.*)$")
  if name and not link.target:find("^%a+:") then
    local kind = anchor:match("^%a+")
    local to = name:lower():gsub("^%d+%w*_", "") .. ".html" .. anchor:gsub("^%a+", "")
    if kind == "qmd" or kind == "html" then link.target = site .. to end
  end
  link.attributes, link.classes = {}, {}
  return link
end

local function Image(image)
  if not image.src:find("^%a+:") then image.src = site .. image.src end
  return pandoc.Link(image.caption, image.src)
end

local function Cite(cite)
  local out = pandoc.Inlines{}
  for i, c in ipairs(cite.citations) do
    if i > 1 then out:insert(pandoc.Str("; ")) end
    local to = numbers[c.id]
    local text = to and to[1] .. " " .. to[2] or sources[c.id]
    if not text then error("nothing on this page or in references.bib is called " .. c.id, 0) end
    out:insert(pandoc.Link(text, to and site .. page .. "#" .. c.id or site .. "references.html#ref-" .. c.id))
  end
  return out
end

function Pandoc(doc)
  site, page = pandoc.utils.stringify(doc.meta.site), pandoc.utils.stringify(doc.meta.page)
  sources = {}
  for key, text in pairs(doc.meta.sources) do sources[key] = pandoc.utils.stringify(text) end
  doc = doc:walk{Div = Div, Inlines = Inlines, Link = Link, Image = Image}
  doc = doc:walk{Cite = Cite}
  doc = doc:walk{
    Header = function(h) return pandoc.Header(h.level, h.content) end,
    Span = function(span) return span.content end,
    Code = function(code) return pandoc.Code(code.text) end,
    Table = function(tbl)
      local caption = tbl.caption.long
      tbl.caption = {long = {}}
      return pandoc.Blocks(caption) .. {tbl}
    end,
  }
  doc.meta = {}
  return doc
end
