using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>One group line (OVS <c>parse_ofp_group_mod_str__</c>).</summary>
public sealed partial class FlowTextParser
{
    /// <summary><c>OFPG_ALL</c>: every group.</summary>
    public const uint AllGroups = 0xfffffffc;

    private const uint MaxGroup = 0xffffff00;
    private const uint MaxBucket = 0xffffff00;
    private const uint UnassignedBucket = 0xffffffff;

    private static readonly string[] s_groupCommands = ["add", "delete", "modify", "add_or_mod", "insert_bucket", "remove_bucket"];

    private GroupMod ParseGroup(TextPiece line, GroupModCommand command)
    {
        TextPiece whole = line.Trim();
        int word = TakeCommand(ref line, s_groupCommands);
        if (word >= 4) whole.Unsupported($"{s_groupCommands[word]} is not supported");
        command = word switch
        {
            0 => GroupModCommand.Add,
            1 => GroupModCommand.Delete,
            2 => GroupModCommand.Modify,
            3 => GroupModCommand.AddOrModify,
            _ => command,
        };

        int bucketsAt = line.Span.IndexOf("bucket=");
        TextPiece headText = bucketsAt < 0 ? line : line.Slice(0, bucketsAt);
        if (command == GroupModCommand.Delete)
        {
            if (bucketsAt >= 0) line.Slice(bucketsAt).Fail("bucket is not needed");
            if (headText.Trim().IsEmpty) return new GroupMod(command, AllGroups, GroupType.All, null, 0, EquatableList<Field>.Empty, EquatableList<GroupBucket>.Empty);
        }

        var head = new GroupHead { HashFields = EquatableList<Field>.Empty };
        var reader = new KeyValueReader(headText);
        while (reader.Next(out TextPiece key, out TextPiece value)) ParseGroupWord(ref head, key, value, command == GroupModCommand.Delete);
        if (head.GroupId is not { } id) throw whole.Error("must specify a group_id");
        if (head.Type is null && command != GroupModCommand.Delete) whole.Fail("must specify a type");
        if (head.HashFields.Count > 0 && head.SelectionMethod != "hash") whole.Fail("fields may only be specified with \"selection_method=hash\"");
        if (head.SelectionMethod is null && head.SelectionParam != 0) whole.Fail("selection_method_param is only allowed with \"selection_method\"");
        GroupType type = head.Type ?? GroupType.All;
        if (head.SelectionMethod is not null && type != GroupType.Select) whole.Fail("selection_method is only allowed for select groups (OFPBPC_BAD_VALUE)");

        EquatableList<GroupBucket> buckets = bucketsAt < 0 ? EquatableList<GroupBucket>.Empty : ParseBuckets(line.Slice(bucketsAt), type);
        return new GroupMod(command, id, type, head.SelectionMethod, head.SelectionParam, head.HashFields, buckets) { HashMasks = head.HashMasks };
    }

    private void ParseGroupWord(ref GroupHead head, TextPiece key, TextPiece value, bool isDelete)
    {
        string name = key.ToString();
        if (isDelete && name is "type" or "selection_method" or "selection_method_param" or "fields") key.Fail($"{name} is not needed");
        switch (name)
        {
            case "group_id":
                head.GroupId = value.Is("all") ? AllGroups : NumberText.UInt32(value);
                if (head.GroupId != AllGroups && head.GroupId > MaxGroup) value.Fail($"invalid group id {value}");
                break;
            case "type":
                head.Type = value.ToString() switch
                {
                    "all" => GroupType.All,
                    "select" => GroupType.Select,
                    "indirect" => GroupType.Indirect,
                    "ff" or "fast_failover" => GroupType.FastFailover,
                    _ => throw value.Error($"invalid group type {value}"),
                };
                break;
            case "selection_method":
                if (value.Length > 15) value.Fail("selection method is longer than 15 bytes long");
                if (!value.Is("hash") && !value.Is("dp_hash")) value.Fail($"ntr selection method '{value}' is not supported");
                head.SelectionMethod = value.ToString();
                break;
            case "selection_method_param":
                head.SelectionParam = NumberText.UInt64(value);
                break;
            case "fields":
                ParseHashFields(ref head, value);
                break;
            case "command_bucket_id":
                key.Fail("command bucket id is not needed");
                break;
            default:
                key.Fail($"unknown keyword {name}");
                break;
        }
    }

    /// <summary>Fields with masks, in the order of their ids as the switch keeps them (OVS <c>parse_select_group_field</c>).</summary>
    private void ParseHashFields(ref GroupHead head, TextPiece text)
    {
        var fields = new SortedDictionary<FieldId, (Field Field, UInt128 Mask)>();
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece name, out TextPiece mask))
        {
            Field field = FieldText.FindField(name) ?? throw name.Error($"{text}: unknown field {name}");
            UInt128 bits = mask.IsEmpty ? field.MaxValue : ParseHashMask(field, mask);
            if (!fields.TryAdd(field.Id, (field, bits))) name.Fail($"{name}: duplicate field");
        }

        head.HashFields = new EquatableList<Field>(fields.Values.Select(static f => f.Field));
        if (fields.Values.Any(static f => f.Mask != f.Field.MaxValue)) head.HashMasks = new EquatableList<UInt128>(fields.Values.Select(static f => f.Mask));
    }

    private UInt128 ParseHashMask(Field field, TextPiece text)
    {
        FieldValue mask = FieldText.Parse(field, text, _ports);
        if (!mask.IsExact) text.Fail($"{text}: wildcards not allowed here");
        if (mask.Value == 0) text.Fail("values are wildcards here and must not be all-zeros");
        if ((mask.Value & field.MaxValue) != field.MaxValue && !field.Maskable) text.Fail($"{text}: invalid mask for field {field.Name}");
        return mask.Value & field.MaxValue;
    }

    private EquatableList<GroupBucket> ParseBuckets(TextPiece text, GroupType type)
    {
        var buckets = new List<GroupBucket>();
        while (!text.IsEmpty)
        {
            TextPiece body = text.Slice("bucket=".Length);
            int next = body.Span.IndexOf("bucket=");
            TextPiece one = next < 0 ? body : body.Slice(0, next);
            buckets.Add(ParseBucket(one, type));
            text = body.Slice(one.Length);
            if (type == GroupType.Indirect && buckets.Count > 1) one.Fail("Indirect groups can have at most one bucket.");
        }

        return new EquatableList<GroupBucket>(AssignIds(buckets));
    }

    /// <summary>
    /// Buckets without an id get the lowest free ones, as ovs-ofctl hands them out for OpenFlow 1.5: it does not see the ids that stand before
    /// the first such bucket, and the switch refuses what comes twice.
    /// </summary>
    private static IEnumerable<GroupBucket> AssignIds(List<GroupBucket> buckets)
    {
        var taken = buckets.SkipWhile(b => b.BucketId != UnassignedBucket).Select(b => b.BucketId).ToHashSet();
        uint free = 0;
        foreach (GroupBucket b in buckets)
        {
            if (b.BucketId != UnassignedBucket)
            {
                yield return b;
                continue;
            }

            while (taken.Contains(free)) free++;
            yield return b with { BucketId = free++ };
        }
    }

    private GroupBucket ParseBucket(TextPiece text, GroupType type)
    {
        uint id = UnassignedBucket;
        ushort weight = (ushort)(type == GroupType.Select ? 1 : 0);
        uint? watchPort = null, watchGroup = null;
        bool any = false;
        TextPiece? drop = null;
        var parsed = new List<ParsedAction>();
        var actions = new ActionTextParser(_ports, ActionCheckState.Unchecked(), TakesLayers);
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece key, out TextPiece value))
        {
            switch (key.ToString().ToLowerInvariant())
            {
                case "weight":
                    weight = NumberText.UInt16(value, "weight");
                    if (type != GroupType.Select && weight != 0) value.Fail("Only select groups can have bucket weights.");
                    break;
                case "watch_port":
                    watchPort = ParseWatchPort(value);
                    break;
                case "watch_group":
                    watchGroup = NumberText.UInt32(value);
                    if (watchGroup > MaxGroup) value.Fail($"invalid watch_group id {value}");
                    break;
                case "bucket_id":
                    id = NumberText.UInt32(value);
                    if (id > MaxBucket) value.Fail($"invalid bucket_id id {value}");
                    break;
                case "action" or "actions":
                    any = true;
                    var inner = new KeyValueReader(value);
                    while (inner.Next(out TextPiece innerKey, out TextPiece innerValue)) AddAction(innerKey, innerValue, inner.Delimiter);
                    break;
                default:
                    any = true;
                    AddAction(key, value, reader.Delimiter);
                    break;
            }
        }

        if (!any) text.Fail("bucket must specify actions");
        if (drop is { } d && parsed.Count > 0) d.Fail("\"drop\" must not be accompanied by any other action or instruction");
        if (type == GroupType.FastFailover && watchPort is null && watchGroup is null) text.Fail("fast failover bucket requires watch_port or watch_group");
        return new GroupBucket(id, weight, watchPort, watchGroup, ActionTextParser.Finish(parsed));

        void AddAction(TextPiece key, TextPiece value, char delimiter)
        {
            if (key.IsIgnoreCase("drop")) drop = key;
            else actions.ParseItem(parsed, key, value, delimiter);
        }
    }

    private uint? ParseWatchPort(TextPiece value)
    {
        if (!_ports.TryParse(value.Span, out uint port)
            || (port >= OfPorts.Max && port is not ((uint)OfReservedPort.None or (uint)OfReservedPort.Controller)))
        {
            value.Fail($"{value}: invalid watch_port");
        }

        return port == (uint)OfReservedPort.None ? null : port;
    }

    private struct GroupHead
    {
        public uint? GroupId;
        public GroupType? Type;
        public string? SelectionMethod;
        public ulong SelectionParam;
        public EquatableList<Field> HashFields;
        public EquatableList<UInt128>? HashMasks;
    }
}
