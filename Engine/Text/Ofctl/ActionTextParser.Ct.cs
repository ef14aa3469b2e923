using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary><c>ct(..)</c> with <c>nat</c> and <c>exec</c>.</summary>
internal sealed partial class ActionTextParser
{
    private OfCt ParseCt(TextPiece where, TextPiece text)
    {
        bool commit = false, force = false;
        byte? table = null;
        ushort zone = 0;
        Subfield? zoneSource = null;
        OfNat? nat = null;
        var exec = EquatableList<OfAction>.Empty;
        string? alg = null;
        bool isNatLast = false;
        TextPiece natText = text, zoneText = text;
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece key, out TextPiece value))
        {
            switch (key.ToString())
            {
                case "commit":
                    commit = true;
                    break;
                case "force":
                    force = true;
                    break;
                case "table":
                    table = FlowTextParser.ParseTable(value, $"unknown table {value}");
                    if (table is null) value.Fail("invalid table 0xff");
                    break;
                case "zone":
                    (zone, zoneSource) = ParseZone(value);
                    zoneText = value;
                    break;
                case "alg":
                    if (!value.Is("ftp") && !value.Is("tftp")) value.Fail($"invalid conntrack helper \"{value}\"");
                    alg = value.ToString();
                    break;
                case "nat":
                    nat = ParseNat(key, value);
                    natText = key;
                    isNatLast = exec.Count > 0;
                    break;
                case "exec":
                    exec = ParseNested(value, Nesting.Ct);
                    break;
                default:
                    key.Fail($"invalid argument to \"ct\" action: `{key}'");
                    break;
            }
        }

        if (force && !commit) where.Fail("\"force\" flag requires \"commit\" flag.");
        if (!commit && (exec.Count > 0 || nat is { Kind: not NatKind.None }))
        {
            where.Fail("CT action requires commit flag if actions other than NAT without arguments are specified.");
        }

        CheckCt(where, commit, alg, zoneSource, zoneText, nat, natText);
        return new OfCt(commit, force, table, zone, zoneSource, nat, exec, alg) { IsNatLast = isNatLast };
    }

    private void CheckCt(TextPiece where, bool commit, string? alg, Subfield? zoneSource, TextPiece zoneText, OfNat? nat, TextPiece natText)
    {
        _check.RequireAlways(_check.IsIp, where, "ct needs ip or ipv6");
        _check.RequireAlways(!(commit && _check.IsInvalidConnection), where, "ct(commit) cannot be used with ct_state=+inv");
        _check.RequireAlways(alg != "ftp" || _check.IpProto == IpProto.Tcp, where, "alg=ftp needs tcp or tcp6");
        _check.RequireAlways(alg != "tftp" || _check.IpProto == IpProto.Udp, where, "alg=tftp needs udp or udp6");
        if (zoneSource is { } zone) _check.RequireField(zone.Field, zoneText, "source");
        if (nat is null || nat.AddrMin == 0) return;
        _check.RequireAlways(nat.Ipv6 == (_check.EthType == EthType.Ipv6), natText, nat.Ipv6 ? "nat to IPv6 needs ipv6" : "nat to IPv4 needs ip");
    }

    private static (ushort Zone, Subfield? Source) ParseZone(TextPiece value)
    {
        if (NumberText.TryParse(value.Span, ushort.MaxValue, out UInt128 zone)) return ((ushort)zone, null);
        if (value.IsEmpty || char.IsAsciiDigit(value.Span[0])) value.Fail($"invalid zone \"{value}\"");
        Subfield source = FieldText.ParseWholeSubfield(value);
        if (source.BitCount != 16) value.Fail($"zone n_bits {source.BitCount} not within valid range [16..16] (OFPBAC_BAD_SET_LEN)");
        return (0, source);
    }

    private static OfNat ParseNat(TextPiece where, TextPiece text)
    {
        NatKind kind = NatKind.None;
        bool both = false, persistent = false, hash = false, random = false;
        var range = new OfNat(NatKind.None, false, 0, 0, 0, 0);
        var reader = new KeyValueReader(text);
        while (reader.Next(out TextPiece key, out TextPiece value))
        {
            switch (key.ToString())
            {
                case "src" or "dst":
                    NatKind wanted = key.Is("src") ? NatKind.Src : NatKind.Dst;
                    both |= kind != NatKind.None && kind != wanted;
                    kind = wanted;
                    range = ParseNatRange(value);
                    break;
                case "persistent":
                    persistent = true;
                    break;
                case "hash":
                    hash = true;
                    break;
                case "random":
                    random = true;
                    break;
                default:
                    key.Fail($"invalid key \"{key}\" in \"nat\" argument");
                    break;
            }
        }

        if (both) where.Fail("May only specify one of \"src\" or \"dst\".");
        if (kind == NatKind.None && (persistent || hash || random)) where.Fail("Flags allowed only with \"src\" or \"dst\".");
        if (hash && random) where.Fail("Both \"hash\" and \"random\" are not allowed.");
        return range with { Kind = kind, Persistent = persistent, HashMode = hash, RandomMode = random };
    }

    /// <summary><c>A[-A][:P[-P]]</c>; IPv6 addresses with ports stand in brackets (OVS <c>str_to_nat_range</c>).</summary>
    private static OfNat ParseNatRange(TextPiece text)
    {
        if (text.IsEmpty) return new OfNat(NatKind.None, false, 0, 0, 0, 0);
        TextPiece rest = text;
        UInt128 min = TakeAddress(text, ref rest, null, out bool ipv6);
        UInt128 max = TakeIf('-', ref rest) ? TakeAddress(text, ref rest, ipv6, out _) : min;
        ushort portMin = 0, portMax = 0;
        if (TakeIf(':', ref rest))
        {
            portMin = TakePort(text, ref rest);
            portMax = TakeIf('-', ref rest) ? TakePort(text, ref rest) : portMin;
        }

        if (!rest.IsEmpty) rest.Fail($"garbage ({rest}) after nat range \"{text}\" (pos: {rest.Start - text.Start})");
        if (max < min || portMax < portMin) text.Fail($"invalid nat range \"{text}\"");
        return new OfNat(NatKind.None, ipv6, min, max, portMin, portMax);
    }

    /// <summary>Takes an address off the front of <paramref name="rest"/>, which must be of the wanted family if there is one.</summary>
    private static UInt128 TakeAddress(TextPiece whole, ref TextPiece rest, bool? wantIpv6, out bool ipv6)
    {
        ReadOnlySpan<char> s = rest.Span;
        int dash = s.IndexOf('-');
        bool bracket = s.StartsWith("[");
        ipv6 = bracket || (dash < 0 ? s : s[..dash]).Count(':') > 1;
        int start = bracket ? 1 : 0;
        int length = s[start..].IndexOfAnyExcept(ipv6 ? "0123456789abcdefABCDEF:." : "0123456789.");
        if (length < 0) length = s.Length - start;
        bool closed = !bracket || (start + length < s.Length && s[start + length] == ']');
        ReadOnlySpan<char> text = s.Slice(start, length);
        UInt128 value = 0;
        uint ipv4 = 0;
        bool ok = ipv6 ? AddressText.TryIpv6(text, out value) : AddressText.TryIpv4(text, out ipv4);
        if (!ok || !closed || (wantIpv6 is { } wanted && wanted != ipv6)) whole.Fail($"invalid nat range \"{whole}\"");
        rest = rest.Slice(start + length + start);
        return ipv6 ? value : ipv4;
    }

    private static bool TakeIf(char c, ref TextPiece rest)
    {
        if (rest.IsEmpty || rest.Span[0] != c) return false;
        rest = rest.Slice(1);
        return true;
    }

    private static ushort TakePort(TextPiece whole, ref TextPiece rest)
    {
        int n = rest.Span.IndexOfAnyExceptInRange('0', '9');
        TextPiece digits = n < 0 ? rest : rest.Slice(0, n);
        if (!ushort.TryParse(digits.Span, out ushort port)) whole.Fail($"invalid nat range \"{whole}\"");
        rest = rest.Slice(digits.Length);
        return port;
    }
}
