using System.Globalization;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Control.Tracing;

/// <summary>The arguments of <c>ofproto/trace</c>, in any order (OVS <c>parse_flow_and_packet</c>).</summary>
internal sealed class TraceArguments
{
    private const int MaxWords = 3;
    private const int MaxPayloadBytes = 64000;

    private readonly List<string> _words = [];

    private TraceArguments()
    {
    }

    /// <summary>What is no option: the bridge or datapath, the flow, the frame.</summary>
    public IReadOnlyList<string> Words => _words;

    public bool Generates { get; private set; }

    public bool IsConsistent { get; private set; }

    public bool WithNames { get; private set; }

    /// <summary>Bytes behind the last header of a frame that is made.</summary>
    public int PayloadBytes { get; private set; } = 64;

    public Queue<CtState> Next { get; } = [];

    /// <summary>Sorts them.</summary>
    /// <param name="words">As they were given.</param>
    /// <param name="withActions">They are of <c>ofproto/trace-packet-out</c>.</param>
    /// <exception cref="UnixctlException">An option is not known, or misses its value.</exception>
    public static TraceArguments Parse(IEnumerable<string> words, bool withActions)
    {
        TraceArguments found = new();
        Queue<string> rest = new(words);
        while (rest.TryDequeue(out string? word))
        {
            switch (word)
            {
                case "-generate" or "--generate":
                    found.Generates = true;
                    break;
                case "-consistent" or "--consistent" when withActions:
                    found.IsConsistent = true;
                    break;
                case "-names" or "--names":
                    found.WithNames = true;
                    break;
                case "--ct-next":
                    found.Next.Enqueue(State(ValueOf(word)));
                    break;
                case "--l7":
                    found.PayloadBytes = Hex(ValueOf(word)).Length;
                    break;
                case "--l7-len":
                    string text = ValueOf(word);
                    found.PayloadBytes = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int length) ? length : 0;
                    if (found.PayloadBytes > MaxPayloadBytes) throw new UnixctlException($"{text}: too much L7 data");
                    break;
                case ['-', ..]:
                    throw new UnixctlException($"{word}: unknown option");
                default:
                    if (found._words.Count >= MaxWords) throw new UnixctlException("too many arguments");
                    found._words.Add(word);
                    break;
            }
        }

        return found;

        string ValueOf(string option) => rest.TryDequeue(out string? value) ? value : throw new UnixctlException($"Missing argument for option {option}");
    }

    /// <summary>The frame, if the last word is one; it is no word any more then.</summary>
    /// <exception cref="UnixctlException">There are three words and the last is no frame.</exception>
    public byte[]? TakeFrame()
    {
        if (Generates || _words.Count < 2) return null;
        const int headerBytes = 14;
        byte[] frame;
        try
        {
            frame = Hex(_words[^1]);
            if (frame.Length < headerBytes) throw new UnixctlException("Packet data too short for Ethernet");
        }
        catch (UnixctlException) when (_words.Count < MaxWords)
        {
            return null;
        }

        _words.RemoveAt(_words.Count - 1);
        return frame;
    }

    /// <summary>Pairs of digits; white space between them is left out.</summary>
    private static byte[] Hex(string text)
    {
        string digits = string.Concat(text.Where(static c => !char.IsWhiteSpace(c)));
        if (digits.Length % 2 != 0 || !digits.All(char.IsAsciiHexDigit)) throw new UnixctlException("Trailing garbage in packet data");
        return Convert.FromHexString(digits);
    }

    /// <summary>Names of states between commas (OVS <c>parse_ct_state</c>, <c>validate_ct_state</c>).</summary>
    private static CtState State(string text)
    {
        CtState state = CtState.None;
        foreach (string word in text.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries))
        {
            CtState one = word switch
            {
                "new" => CtState.New,
                "est" => CtState.Est,
                "rel" => CtState.Rel,
                "rpl" => CtState.Rpl,
                "inv" => CtState.Inv,
                "trk" => CtState.Trk,
                "snat" => CtState.SNat,
                "dnat" => CtState.DNat,
                _ => throw new UnixctlException($"{word}: unknown connection tracking state flag"),
            };
            state |= one;
        }

        string wrong = "";
        if (state != 0 && !Has(CtState.Trk)) Add("If \"trk\" is unset, no other flags are set");
        if (Has(CtState.Inv) && (state & ~(CtState.Trk | CtState.Inv)) != 0) Add("when \"inv\" is set, only \"trk\" may also be set");
        if (Has(CtState.New) && Has(CtState.Est)) Add("\"new\" and \"est\" are mutually exclusive");
        if (Has(CtState.New) && Has(CtState.Rpl)) Add("\"new\" and \"rpy\" are mutually exclusive");
        return wrong.Length == 0 ? state : throw new UnixctlException(wrong);

        bool Has(CtState bit) => (state & bit) != 0;
        void Add(string why) => wrong += $"{FlowKeyFormatter.CtStateFlags(state)}: invalid connection state: {why}\n";
    }
}
