using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>One meter line (OVS <c>parse_ofp_meter_mod_str__</c>).</summary>
public sealed partial class FlowTextParser
{
    private const uint MaxMeter = 0xffff0000;

    private static readonly string[] s_meterCommands = ["add", "delete", "modify"];

    /// <summary>Parses a meter file; lines may begin with <c>add</c>, <c>mod</c> or <c>del</c>, or these words in full.</summary>
    public static IReadOnlyList<MeterMod> ParseMeters(TextReader text)
    {
        var meters = new List<MeterMod>();
        foreach (TextPiece line in Lines(text)) meters.Add(ParseMeter(line));
        return meters;
    }

    /// <inheritdoc cref="ParseMeters(TextReader)"/>
    public static IReadOnlyList<MeterMod> ParseMeters(string text)
    {
        using var reader = new StringReader(text);
        return ParseMeters(reader);
    }

    private static MeterMod ParseMeter(TextPiece line)
    {
        TextPiece whole = line.Trim();
        MeterModCommand command = TakeCommand(ref line, s_meterCommands) switch
        {
            1 => MeterModCommand.Delete,
            2 => MeterModCommand.Modify,
            _ => MeterModCommand.Add,
        };
        bool isDelete = command == MeterModCommand.Delete;
        if (isDelete && line.Trim().IsEmpty) return new MeterMod(command, OfPipeline.AllMeters, MeterFlags.None, EquatableList<MeterBand>.Empty);

        TextPiece headText = line;
        TextPiece bandText = line.Slice(line.Length);
        if (!isDelete)
        {
            int at = line.Span.IndexOf("band");
            int equals = at < 0 ? -1 : line.Span[at..].IndexOf('=');
            if (equals < 0) throw whole.Error("must specify bands");
            (headText, bandText) = (line.Slice(0, at), line.Slice(at + equals + 1));
        }

        uint id = 0;
        MeterFlags flags = MeterFlags.None;
        while (TakeWord(ref headText, "=, \t\r\n") is { IsEmpty: false } name)
        {
            if (!isDelete && TryMeterFlag(name, out MeterFlags flag))
            {
                flags |= flag;
                continue;
            }

            TextPiece value = TakeValue(ref headText, name);
            if (!name.Is("meter")) name.Fail($"unknown keyword {name}");
            id = ParseMeterId(value);
        }

        if (id == 0) throw whole.Error("must specify 'meter'");
        if (isDelete) return new MeterMod(command, id, flags, EquatableList<MeterBand>.Empty);
        if (flags == MeterFlags.None) throw whole.Error("meter must specify either 'kbps' or 'pktps'");
        return new MeterMod(command, id, flags, ParseBands(bandText, (flags & MeterFlags.Burst) != 0));
    }

    private static bool TryMeterFlag(TextPiece name, out MeterFlags flag)
    {
        flag = name.ToString() switch
        {
            "kbps" => MeterFlags.Kbps,
            "pktps" => MeterFlags.PacketRate,
            "burst" => MeterFlags.Burst,
            "stats" => MeterFlags.Stats,
            _ => MeterFlags.None,
        };
        return flag != MeterFlags.None;
    }

    private static uint ParseMeterId(TextPiece value)
    {
        if (value.Is("all")) return OfPipeline.AllMeters;
        if (value.Is("controller") || value.Is("slowpath")) value.Unsupported($"meter={value}: meters of upcalls are not supported");
        uint id = NumberText.UInt32(value);
        if (id is 0 or > MaxMeter) value.Fail("invalid value for meter");
        return id;
    }

    private static EquatableList<MeterBand> ParseBands(TextPiece text, bool hasBursts)
    {
        var bands = new List<MeterBand>();
        TextPiece? band = null;
        uint rate = 0, burst = 0;
        byte level = 0;
        TextPiece rest = text;
        while (TakeWord(ref rest, "=, \t\r\n") is { IsEmpty: false } name)
        {
            TextPiece value = TakeValue(ref rest, name);
            string key = name.ToString();
            if (key == "type")
            {
                if (value.Is("dscp_remark")) value.Unsupported("bands of type dscp_remark are not supported (OFPMMFC_BAD_BAND)");
                if (!value.Is("drop")) value.Fail($"field type unknown value {value}");
                if (band is { } before) Finish(before);
                (band, rate, burst, level) = (value, 0, 0, 0);
            }
            else if (band is null)
            {
                name.Fail("band must start with the 'type' keyword");
            }
            else if (key == "rate")
            {
                rate = NumberText.UInt32(value);
            }
            else if (key == "burst_size")
            {
                burst = NumberText.UInt32(value);
            }
            else if (key == "prec_level")
            {
                level = NumberText.UInt8(value, key);
            }
            else
            {
                name.Fail($"unknown keyword {name}");
            }
        }

        Finish(band ?? throw text.Error("meter must have bands"));
        return new EquatableList<MeterBand>(bands);

        void Finish(TextPiece type)
        {
            if (level != 0) type.Fail("Only 'dscp_remark' band may have 'prec_level'");
            if (rate == 0) type.Fail("band must have 'rate'");
            if (hasBursts && burst == 0) type.Fail("band must have 'burst_size' when 'burst' flag is set");
            if (!hasBursts && burst != 0) type.Fail("band may have 'burst_size' only when 'burst' flag is set");
            bands.Add(new MeterBand(rate, burst));
        }
    }

    private static TextPiece TakeValue(ref TextPiece text, TextPiece name)
    {
        TextPiece value = TakeWord(ref text, ", \t\r\n");
        if (value.IsEmpty) name.Fail($"field {name} missing value");
        return value;
    }

    /// <summary>The next word, and the one delimiter behind it (<c>strtok_r</c>); empty at the end.</summary>
    private static TextPiece TakeWord(ref TextPiece text, ReadOnlySpan<char> delimiters)
    {
        int start = text.Span.IndexOfAnyExcept(delimiters);
        if (start < 0) return text.Slice(text.Length);
        int length = text.Span[start..].IndexOfAny(delimiters);
        if (length < 0) length = text.Length - start;
        TextPiece word = text.Slice(start, length);
        text = text.Slice(Math.Min(text.Length, start + length + 1));
        return word;
    }
}
