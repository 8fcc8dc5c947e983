-- What Quarto adds to Pandoc's Markdown, as far as the notebooks use it: callouts, folded code,
-- numbered figures, tables and equations with references to them, links between notebooks; and the
-- quizzes of this course.
local names = {fig = "Figure", tbl = "Table", eq = "Equation"}
local counts, numbers = {fig = 0, tbl = 0, eq = 0}, {}
local heading, quizzes, cited = 1, {quiz = 0, predict = 0}, false

local function number(id)
  local kind = id:match("^(%a+)%-")
  if not names[kind] then return end
  counts[kind] = counts[kind] + 1
  numbers[id] = {names[kind], counts[kind]}
  return counts[kind], names[kind]
end

local function numbered(id, inlines)
  local n, name = number(id)
  if not n then return inlines end
  local label = pandoc.Span({pandoc.Str(name .. "\u{a0}" .. n .. ".")}, {class = "label"})
  return pandoc.Inlines{label, pandoc.Space()} .. inlines
end

local function html(text) return pandoc.RawBlock("html", text) end

local function escape(text) return (text:gsub("&", "&amp;"):gsub("<", "&lt;"):gsub('"', "&quot;")) end

-- Kana or kanji (a pattern of Lua would look at bytes)
local function is_japanese(text)
  for _, code in utf8.codes(text) do
    if code >= 0x3040 and code <= 0x30ff or code >= 0x4e00 and code <= 0x9fff then return true end
  end
  return false
end

-- A box with a title; folded, it is a <details>
local function box(class, title, blocks, folded, open)
  local lang = is_japanese(title) and ' lang="ja"' or ""
  local tag = folded and "details" or "div"
  local head = folded and "<summary>%s</summary>" or '<p class="title">%s</p>'
  local start = ('<%s class="%s"%s%s>'):format(tag, class, lang, open and " open" or "")
  return pandoc.Blocks{html(start .. head:format(escape(title)))} .. blocks .. {html("</" .. tag .. ">")}
end

local function callout(div, kind)
  local title, blocks = div.attributes.title, div.content
  if not title and blocks[1] and blocks[1].t == "Header" then
    title = pandoc.utils.stringify(blocks[1])
    blocks:remove(1)
  end
  title = title or kind:gsub("^%l", string.upper)
  local collapse = div.attributes.collapse
  return box("callout callout-" .. kind, title, blocks, collapse, collapse == "false")
end

local function figure(id, blocks)
  local caption = blocks:remove(#blocks)
  return pandoc.Figure(blocks, {pandoc.Plain(numbered(id, caption.content))}, {id = id})
end

-- A question; its key, by which the browser remembers the answer, changes with its text
local function quiz(div)
  local kind = div.classes:includes("predict") and "predict" or "quiz"
  quizzes[kind] = quizzes[kind] + 1
  div.identifier = kind .. "-" .. quizzes[kind]
  div.attributes.key = pandoc.utils.sha1(pandoc.utils.stringify(div)):sub(1, 8)
  local title = kind == "predict" and "Predict" or "Question " .. quizzes.quiz
  div.content:insert(1, html(('<p class="title">%s</p>'):format(title)))
  return div
end

local function Div(div)
  for _, class in ipairs(div.classes) do
    local kind = class:match("^callout%-(%a+)$")
    if kind then return callout(div, kind) end
  end
  if div.classes:includes("api") then   -- as raw HTML, so that Pandoc leaves the heading its id
    return pandoc.Blocks{html('<div class="api">')} .. div.content .. {html("</div>")}
  elseif div.classes:includes("code-fold") then
    return box("code-fold", div.attributes.summary, div.content, true, div.attributes.open)
  elseif div.classes:includes("quiz") then
    return quiz(div)
  elseif div.classes:includes("cell-figure") or div.identifier:find("^%l+%-")
    and names[div.identifier:match("^%l+")] then
    return figure(div.identifier, div.content)
  end
end

-- ![caption](picture.svg){#fig-x fig-alt="..."}: the alternative text is not the caption
local function Figure(fig)
  local id, alt = fig.identifier
  fig = fig:walk{Image = function(img)
    if id == "" then id = img.identifier end
    if img.attributes["fig-alt"] then
      img.caption, img.attributes["fig-alt"] = {pandoc.Str(img.attributes["fig-alt"])}, nil
    end
    img.identifier = ""
    return img
  end}
  fig.identifier = id
  local caption = fig.caption.long[1]
  if caption then fig.caption = {long = {pandoc.Plain(numbered(id, caption.content))}} end
  return fig
end

local function Table(tbl)
  for _, spec in ipairs(tbl.colspecs) do spec[2] = nil end   -- the browser finds better widths
  local caption = tbl.caption.long[1]
  if caption then tbl.caption = {long = {pandoc.Plain(numbered(tbl.identifier, caption.content))}} end
  return pandoc.Div({tbl}, {class = "scroll"})
end

-- Display formulas get a box that scrolls, and a number if `{#eq-x}` follows
local function Para(para)
  local out = pandoc.Inlines{}
  for _, x in ipairs(para.content) do
    local id = x.t == "Str" and x.text:match("^{#(eq%-[%w_-]+)}$")
    local last = out[#out]
    if id then
      if last.t ~= "Span" then out:remove(#out); last = out[#out] end
      last.identifier = id
      last.content:insert(pandoc.Span({pandoc.Str("(" .. number(id) .. ")")}, {class = "number"}))
    elseif x.t == "Math" and x.mathtype == "DisplayMath" then
      out:insert(pandoc.Span({pandoc.Span({x}, {class = "scroll"})}, {class = "equation"}))
    else
      out:insert(x)
    end
  end
  para.content = out
  return para
end

-- Levels never jump, and the page's own title stays the only first level
local function Header(h)
  if h.classes:includes("api") then
    h.level, h.classes = math.min(3, heading + 1), {}
  else
    h.level = math.max(2, math.min(h.level, heading + 1))
    heading = h.level
  end
  return h
end

local function Link(link)
  if not link.target:find("^https?:") then link.attributes.target = nil end
  return link
end

-- A number stays beside its per cent sign, and a formula beside the mark that follows it
local function Inlines(inlines)
  for i = #inlines - 1, 1, -1 do
    local this, after = inlines[i], inlines[i + 1]
    local text = after.t == "Str" and after.text or ""
    local mark = text:match("^[.,;:!?)]+")
    if this.t == "Space" and text:find("^%%") then inlines[i] = pandoc.Str("\u{a0}") end
    if this.t == "Math" and this.mathtype == "InlineMath" and mark then
      inlines[i] = pandoc.Span({this, pandoc.Str(mark)}, {class = "together"})
      after.text = text:sub(#mark + 1)
    end
  end
  return inlines
end

-- Japanese words say so, for those who hear the page
local function Str(str)
  if is_japanese(str.text) then return pandoc.Span({str}, {lang = "ja"}) end
end

local function Cite(cite)
  local out = pandoc.Inlines{}
  for i, c in ipairs(cite.citations) do
    if not c.id:find("^%a+%-") or not names[c.id:match("^%a+")] then cited = true; return end
    local to = numbers[c.id] or error("@" .. c.id .. " is not on this page; have the notebooks been run?", 0)
    local text = c.mode == "SuppressAuthor" and tostring(to[2]) or to[1] .. "\u{a0}" .. to[2]
    if i > 1 then out:extend{pandoc.Str(","), pandoc.Space()} end
    out:insert(pandoc.Link(text, "#" .. c.id, "", {class = "xref"}))
  end
  return out
end

local function RawBlock(raw)
  if raw.text:find("^<!%-%-") then return {} end
end

function Pandoc(doc)
  doc = doc:walk{
    Link = Link, Header = Header, Figure = Figure, Table = Table, Para = Para, Plain = Para,
    Div = Div, Str = Str, Inlines = Inlines, RawBlock = RawBlock,
  }
  doc = doc:walk{Cite = Cite}
  local has_list = false
  doc:walk{Div = function(div) has_list = has_list or div.identifier == "refs" end}
  if cited and not has_list then
    doc.blocks:extend{pandoc.Header(2, "References", {id = "references"}), pandoc.Div({}, {id = "refs"})}
  end
  return doc
end
