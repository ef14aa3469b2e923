using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary><c>learn(..)</c> (OVS <c>learn_parse</c>, <c>learn_check</c>).</summary>
internal sealed partial class ActionTextParser
{
    private OfLearn ParseLearn(TextPiece where, TextPiece text)
    {
        var learn = new OfLearn { Table = 1 };
        List<OfLearnSpec> specs = [];
        Match learned = default;
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece key, out TextPiece value))
        {
            switch (key.ToString())
            {
                case "table":
                    learn = learn with { Table = FlowTextParser.ParseTable(value, $"unknown table \"{value}\"") ?? throw value.Error("table id 255 not valid for `learn' action") };
                    break;
                case "priority":
                    learn = learn with { Priority = (ushort)NumberText.Loose(value) };
                    break;
                case "idle_timeout":
                    learn = learn with { IdleTimeoutSeconds = (ushort)NumberText.Loose(value) };
                    break;
                case "hard_timeout":
                    learn = learn with { HardTimeoutSeconds = (ushort)NumberText.Loose(value) };
                    break;
                case "fin_idle_timeout":
                    learn = learn with { FinIdleTimeoutSeconds = (ushort)NumberText.Loose(value) };
                    break;
                case "fin_hard_timeout":
                    learn = learn with { FinHardTimeoutSeconds = (ushort)NumberText.Loose(value) };
                    break;
                case "cookie":
                    learn = learn with { Cookie = NumberText.UInt64(value) };
                    break;
                case "send_flow_rem":
                    learn = learn with { Flags = learn.Flags | OfLearnFlags.SendFlowRemoved };
                    break;
                case "delete_learned":
                    learn = learn with { Flags = learn.Flags | OfLearnFlags.DeleteLearned };
                    break;
                case "limit":
                    learn = learn with { Limit = (uint)NumberText.Loose(value) };
                    break;
                case "result_dst":
                    Subfield result = FieldText.ParseWholeSubfield(value);
                    RequireWritable(result.Field, value);
                    if (result.BitCount != 1) value.Fail("result_dst in 'learn' action must be a single bit");
                    learn = learn with { Result = result };
                    break;
                default:
                    specs.Add(ParseLearnSpec(where, key, value, ref learned));
                    break;
            }
        }

        return learn with { Specs = new EquatableList<OfLearnSpec>(specs) };
    }

    /// <summary>One part of the rule; <paramref name="learned"/> is what its match says so far, which prerequisites are looked up in.</summary>
    private OfLearnSpec ParseLearnSpec(TextPiece where, TextPiece key, TextPiece value, ref Match learned)
    {
        if (key.Is("load")) return ParseLearnLoad(where, value, ref learned);
        if (key.Is("output"))
        {
            Subfield port = FieldText.ParseWholeSubfield(value);
            _check.RequireField(port.Field, where, "source");
            return new OfLearnSpec(OfLearnKind.Output, port, 0, null, port.BitCount);
        }

        TextPiece name = key.Span.IndexOf('[') is >= 0 and var bracket ? key.Slice(0, bracket) : key;
        if (FieldText.FindField(name) is null) key.Fail($"unknown keyword {key}");
        Subfield to = ParseDestination(key);
        OfLearnSpec spec = value.IsEmpty
            ? new OfLearnSpec(OfLearnKind.Match, to, 0, to, to.BitCount)
            : ParseLearnSource(to, value);
        if (spec.Source is { } from)
        {
            if (from.BitCount != to.BitCount) value.Fail($"bit widths of {key} ({from.BitCount}) and {value} ({to.BitCount}) differ");
            _check.RequireField(from.Field, where, "source");
        }

        new ActionCheckState(ref learned, 0).RequireField(to.Field, where, "source");
        if (spec.Source is null) MatchBuilder.SetRange(ref learned, to, spec.Value);
        return spec;
    }

    private OfLearnSpec ParseLearnSource(Subfield to, TextPiece value)
    {
        TextPiece name = value.Span.IndexOf('[') is >= 0 and var bracket ? value.Slice(0, bracket) : value;
        if (FieldText.FindField(name) is not null) return new OfLearnSpec(OfLearnKind.Match, FieldText.ParseWholeSubfield(value), 0, to, to.BitCount);
        if (to.Start == 0 && to.BitCount == to.Field.BitCount)
        {
            FieldValue whole = FieldText.Parse(to.Field, value, _ports);
            if (!whole.IsExact) value.Fail($"{value}: wildcards not allowed here");
            if (!IsValid(to.Field, whole.Value)) value.Fail($"{value} is not a valid value for field {to.Field.Name}");
            UInt128 exact = to.Field.Id is FieldId.InPortOxm or FieldId.ActsetOutput ? OfPorts.Widen((uint)whole.Value) : whole.Value;
            return new OfLearnSpec(OfLearnKind.Match, null, exact, to, to.BitCount);
        }

        if (!NumberText.TryParse(value.Span, FieldText.ValueMax(to.Field), out UInt128 part)) value.Fail($"{value}: cannot parse integer value");
        if (part >> to.BitCount != 0) value.Fail($"value {value} does not fit into {to.BitCount} bits");
        return new OfLearnSpec(OfLearnKind.Match, null, part, to, to.BitCount);
    }

    private OfLearnSpec ParseLearnLoad(TextPiece where, TextPiece text, ref Match learned)
    {
        (TextPiece valueText, TextPiece fieldText) = SplitArrow(text);
        if (valueText.IsEmpty) text.Fail($"load: missing source before `->' in `{text}'");
        OfLearnSpec spec;
        if (NumberText.TryRead(valueText.Span, out UInt128 value, out int length, out bool overflow))
        {
            if (length != valueText.Length) valueText.Fail($"load: garbage before `->' in `{text}'");
            Subfield to = ParseDestination(fieldText);
            if (overflow || (to.BitCount < 128 && value >> to.BitCount != 0)) valueText.Fail($"{text}: value does not fit into {to.BitCount} bits");
            spec = new OfLearnSpec(OfLearnKind.Load, null, value, to, to.BitCount);
        }
        else
        {
            Subfield from = FieldText.ParseWholeSubfield(valueText), to = FieldText.ParseWholeSubfield(fieldText);
            if (from.BitCount != to.BitCount) text.Fail($"{text}: source field is {from.BitCount} bits wide but destination is {to.BitCount} bits wide");
            _check.RequireField(from.Field, where, "source");
            spec = new OfLearnSpec(OfLearnKind.Load, from, 0, to, to.BitCount);
        }

        Field written = spec.Destination!.Value.Field;
        RequireWritable(written, fieldText);
        new ActionCheckState(ref learned, 0).RequireField(written, where, "destination");
        return spec;
    }
}
