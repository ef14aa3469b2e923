using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>Actions of Open vSwitch's own that choose, measure and end (OVS <c>multipath_parse</c>, <c>bundle_parse</c>, <c>parse_SAMPLE</c>, ...).</summary>
internal sealed partial class ActionTextParser
{
    /// <summary>Most ports of a <c>bundle</c> (OVS <c>BUNDLE_MAX_MEMBERS</c>).</summary>
    private const int MaxBundleMembers = 2048;

    private static readonly char[] s_bundleSeparators = [',', ' ', '[', ']'];

    private bool TryNiciraAction(string name, TextPiece key, TextPiece value, Action<OfAction> add)
    {
        switch (name)
        {
            case "exit":
                add(new OfExit());
                return true;
            case "debug_recirc":
                add(new OfDebugRecirc());
                return true;
            case "debug_slow":
                add(new OfDebugSlow());
                return true;
            case "set_queue":
                add(new OfSetQueue(NumberText.UInt32(value)));
                return true;
            case "pop_queue":
                if (_check.IsLenient) key.Fail("pop_queue is not allowed in an action set (OFPBAC_BAD_TYPE)");
                add(new OfPopQueue());
                return true;
            case "enqueue":
                AddEnqueue(key, value, add);
                return true;
            case "fin_timeout":
                _check.Require(_check.IpProto == IpProto.Tcp, key, "fin_timeout needs tcp");
                add(ParseFinTimeout(value));
                return true;
            case "encap":
                add(ParseEncap(key, value));
                return true;
            case "decap":
                add(ParseDecap(value));
                return true;
            case "multipath":
                add(ParseMultipath(key, value));
                return true;
            case "bundle" or "bundle_load":
                add(ParseBundle(key, value, name == "bundle_load"));
                return true;
            case "sample":
                add(ParseSample(value));
                return true;
            case "learn":
                add(ParseLearn(key, value));
                return true;
            default:
                return false;
        }
    }

    /// <summary>From OpenFlow 1.1 on there is no such action: three others reach the switch (OVS <c>encode_ENQUEUE</c>).</summary>
    private void AddEnqueue(TextPiece key, TextPiece value, Action<OfAction> add)
    {
        const string Syntax = "\"enqueue\" syntax is \"enqueue:PORT:QUEUE\" or \"enqueue(PORT,QUEUE)\"";
        int end = value.Span.IndexOfAny(':', 'q', ',');
        if (end <= 0 || end + 1 >= value.Length) value.Fail(Syntax);
        TextPiece portText = value.Slice(0, end), queueText = value.Slice(end + 1);
        while (!queueText.IsEmpty && queueText.Span[0] is ':' or 'q' or ',') queueText = queueText.Slice(1);
        if (!_ports.TryParse(portText.Span, out uint port)) portText.Fail($"{portText}: enqueue to unknown port");
        uint queue = NumberText.UInt32(queueText);
        if (port >= OfPorts.Max && port is not ((uint)OfReservedPort.InPort or (uint)OfReservedPort.Local)) portText.Fail($"{portText}: bad output port (OFPBAC_BAD_OUT_PORT)");
        add(new OfSetQueue(queue));
        add(Output(key, port, 0));
        add(new OfPopQueue());
    }

    private static OfFinTimeout ParseFinTimeout(TextPiece text)
    {
        ushort idle = 0, hard = 0;
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece key, out TextPiece value))
        {
            if (key.Is("idle_timeout")) idle = NumberText.UInt16(value, "idle_timeout");
            else if (key.Is("hard_timeout")) hard = NumberText.UInt16(value, "hard_timeout");
            else key.Fail($"invalid key '{key}' in 'fin_timeout' argument");
        }

        return new OfFinTimeout(idle, hard);
    }

    private OfMultipath ParseMultipath(TextPiece where, TextPiece text)
    {
        TextPiece[] parts = Split(text, [',', ' ']);
        if (parts.Length < 6) text.Fail($"{text}: not enough arguments to multipath action");
        OfHashFields fields = ParseHashFields(parts[0]);
        int algorithm = Array.FindIndex(FlowTextFormatter.MultipathAlgorithms, a => parts[2].IsIgnoreCase(a));
        if (algorithm < 0) parts[2].Fail($"{text}: unknown algorithm `{parts[2]}'");
        int links = NumberText.Loose(parts[3]);
        if (links is < 1 or > 65536) parts[3].Fail($"{text}: n_links {links} is not in valid range 1 to 65536");
        Subfield to = ParseDestination(parts[5]);
        if (to.BitCount < 16 && links > 1 << to.BitCount)
        {
            parts[5].Fail($"{text}: {to.BitCount}-bit destination field has {1 << to.BitCount} possible values, less than specified n_links {links}");
        }

        CheckDestination(to, where, parts[5]);
        return new OfMultipath(fields, (ushort)NumberText.Loose(parts[1]), (OfMultipathAlgorithm)algorithm, (ushort)(links - 1), (uint)NumberText.Loose(parts[4]), to);
    }

    private OfBundle ParseBundle(TextPiece where, TextPiece text, bool loads)
    {
        int colon = text.Span.LastIndexOf(':');
        TextPiece[] parts = Split(colon < 0 ? text : text.Slice(0, colon), [',', ' ']);
        int count = loads ? 6 : 5;
        if (colon < 0 || parts.Length < count) text.Fail($"{text}: not enough arguments to bundle action");
        TextPiece delimiter = parts[count - 1];
        if (!delimiter.IsIgnoreCase("members") && !delimiter.IsIgnoreCase("slaves")) delimiter.Fail($"{text}: missing member delimiter, expected `members', got `{delimiter}'");
        List<uint> members = [];
        foreach (TextPiece member in Split(text.Slice(colon + 1), s_bundleSeparators))
        {
            if (members.Count == MaxBundleMembers) break;
            if (!_ports.TryParse(member.Span, out uint port)) member.Fail($"{member}: bad port number");
            if (port is (uint)OfReservedPort.Controller or (>= OfPorts.Max and < (uint)OfReservedPort.InPort)) member.Fail($"{member}: bad member (OFPBAC_BAD_OUT_PORT)");
            members.Add(port);
        }

        OfHashFields fields = ParseHashFields(parts[0]);
        int algorithm = Array.FindIndex(FlowTextFormatter.BundleAlgorithms, a => parts[2].IsIgnoreCase(a));
        if (algorithm < 0) parts[2].Fail($"{text}: unknown algorithm `{parts[2]}'");
        if (!parts[3].IsIgnoreCase("ofport")) parts[3].Fail($"{text}: unknown member_type `{parts[3]}'");
        Subfield? to = loads ? ParseDestination(parts[4]) : null;
        if (to is { } destination) CheckDestination(destination, where, parts[4]);
        return new OfBundle(fields, (ushort)NumberText.Loose(parts[1]), (OfBundleAlgorithm)algorithm, new EquatableList<uint>(members), to);
    }

    private OfSample ParseSample(TextPiece text)
    {
        var sample = new OfSample(0, 0, 0, 0);
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece key, out TextPiece value))
        {
            switch (key.ToString())
            {
                case "probability":
                    sample = sample with { Probability = NumberText.UInt16(value, "probability") };
                    if (sample.Probability == 0) value.Fail($"invalid probability value \"{value}\"");
                    break;
                case "collector_set_id":
                    sample = sample with { CollectorSetId = NumberText.UInt32(value) };
                    break;
                case "obs_domain_id":
                    sample = sample with { ObservationDomainId = NumberText.UInt32(value) };
                    break;
                case "obs_point_id":
                    sample = sample with { ObservationPointId = NumberText.UInt32(value) };
                    break;
                case "sampling_port":
                    if (!_ports.TryParse(value.Span, out uint port)) value.Fail($"{value}: unknown port");
                    sample = sample with { SamplingPort = port == (uint)OfReservedPort.None ? null : port };
                    break;
                case "ingress" or "egress":
                    sample = sample with { Direction = key.Is("ingress") ? OfSampleDirection.Ingress : OfSampleDirection.Egress };
                    break;
                default:
                    key.Fail($"invalid key \"{key}\" in \"sample\" argument");
                    break;
            }
        }

        if (sample.Probability == 0) text.Fail("non-zero \"probability\" must be specified on sample");
        return sample;
    }

    private static OfHashFields ParseHashFields(TextPiece text)
    {
        int fields = Array.FindIndex(FlowTextFormatter.HashFields, f => text.IsIgnoreCase(f));
        if (fields < 0) text.Fail($"unknown fields `{text}'");
        return (OfHashFields)fields;
    }

    private static Subfield ParseDestination(TextPiece text)
    {
        Subfield to = FieldText.ParseWholeSubfield(text);
        if (to.Field.NxmName.Length == 0) text.Fail($"{text}: experimenter OXM field '{to.Field.Name}' not supported");
        return to;
    }

    /// <summary>OVS <c>mf_check_dst</c>.</summary>
    private void CheckDestination(Subfield to, TextPiece where, TextPiece text)
    {
        RequireWritable(to.Field, text);
        _check.RequireField(to.Field, where, "destination");
    }

    /// <summary>The pieces between separators, of which several count as one (C <c>strtok_r</c>).</summary>
    private static TextPiece[] Split(TextPiece text, ReadOnlySpan<char> separators)
    {
        List<TextPiece> pieces = [];
        for (int at = 0; at < text.Length;)
        {
            int length = text.Span[at..].IndexOfAny(separators);
            if (length < 0) length = text.Length - at;
            if (length > 0) pieces.Add(text.Slice(at, length));
            at += length + 1;
        }

        return [.. pieces];
    }
}
