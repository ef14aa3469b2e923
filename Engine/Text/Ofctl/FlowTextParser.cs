using System.Text.RegularExpressions;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Engine.Text;

/// <summary>
/// Parses flows and groups in ovs-ofctl syntax (ovs-ofctl(8), ovs-fields(7), ovs-actions(7)) as Open vSwitch 3.1 does over
/// OpenFlow 1.5. Every error is a <see cref="FlowTextException"/> with line and column; a file with an error yields nothing.
/// </summary>
public sealed partial class FlowTextParser
{
    private readonly PortNames _ports;
    private readonly Action<string>? _warn;

    /// <summary>
    /// <paramref name="ports"/> gives names to port numbers; <paramref name="warn"/> receives one line per match that was normalized.
    /// </summary>
    public FlowTextParser(PortNames? ports = null, Action<string>? warn = null)
    {
        _ports = ports ?? PortNames.None;
        _warn = warn;
    }

    /// <summary>Takes <c>encap</c> and <c>decap</c>, as the tables of a switch with controllers do; rules that stand in a file are refused by name if they have them (ADR 17).</summary>
    public bool TakesLayers { get; init; }

    /// <summary>
    /// Parses every line that is not blank or a comment (<c>#</c> to the end of the line). A line may begin with <c>add</c>,
    /// <c>modify</c>, <c>modify_strict</c>, <c>delete</c> or <c>delete_strict</c>; otherwise it is <paramref name="defaultCommand"/>.
    /// </summary>
    public IReadOnlyList<FlowMod> ParseFlows(TextReader text, FlowModCommand defaultCommand = FlowModCommand.Add)
    {
        var flows = new List<FlowMod>();
        foreach (TextPiece line in Lines(text)) flows.Add(ParseFlow(line, defaultCommand));
        return flows;
    }

    /// <inheritdoc cref="ParseFlows(TextReader, FlowModCommand)"/>
    public IReadOnlyList<FlowMod> ParseFlows(string text, FlowModCommand defaultCommand = FlowModCommand.Add)
    {
        using var reader = new StringReader(text);
        return ParseFlows(reader, defaultCommand);
    }

    /// <summary>Parses one line; <paramref name="lineNumber"/> is for error messages.</summary>
    public FlowMod ParseFlow(string line, int lineNumber = 1, FlowModCommand defaultCommand = FlowModCommand.Add)
        => ParseFlow(TextPiece.Whole(line, lineNumber), defaultCommand);

    /// <summary>Parses a list of actions that no match stands before: whether they fit a packet is not looked at.</summary>
    public EquatableList<OfAction> ParseActions(string text) => new ActionTextParser(_ports, ActionCheckState.Unchecked(), TakesLayers).ParseInstructions(TextPiece.Whole(text, 1));

    /// <summary>Parses a group file; lines may begin with <c>add</c>, <c>modify</c>, <c>add_or_mod</c> or <c>delete</c>.</summary>
    public IReadOnlyList<GroupMod> ParseGroups(TextReader text, GroupModCommand defaultCommand = GroupModCommand.AddOrModify)
    {
        var groups = new List<GroupMod>();
        foreach (TextPiece line in Lines(text)) groups.Add(ParseGroup(line, defaultCommand));
        return groups;
    }

    /// <inheritdoc cref="ParseGroups(TextReader, GroupModCommand)"/>
    public IReadOnlyList<GroupMod> ParseGroups(string text, GroupModCommand defaultCommand = GroupModCommand.AddOrModify)
    {
        using var reader = new StringReader(text);
        return ParseGroups(reader, defaultCommand);
    }

    /// <summary>Parses one line; <paramref name="lineNumber"/> is for error messages.</summary>
    public GroupMod ParseGroup(string line, int lineNumber = 1, GroupModCommand defaultCommand = GroupModCommand.AddOrModify)
        => ParseGroup(TextPiece.Whole(line, lineNumber), defaultCommand);

    /// <summary>
    /// Is there anything to parse on this line? Not on a blank one, in a comment, or in what <c>ovs-ofctl</c> prints above a dump:
    /// <c>NXST_FLOW reply (xid=0x4):</c>, <c>OFPST_GROUP_DESC reply (OF1.5) (xid=0x2):</c>.
    /// </summary>
    public static bool HasText(ReadOnlySpan<char> line)
    {
        int comment = line.IndexOf('#');
        ReadOnlySpan<char> text = (comment < 0 ? line : line[..comment]).Trim();
        return !text.IsEmpty && !ReplyHeader().IsMatch(text);
    }

    [GeneratedRegex(@"^(?:NXST|OFPST|ONFST)_[A-Z_]+ reply(?: \([^)]*\))*(?::.*)?$")]
    private static partial Regex ReplyHeader();

    private static IEnumerable<TextPiece> Lines(TextReader text)
    {
        int number = 0;
        while (text.ReadLine() is { } line)
        {
            number++;
            int comment = line.IndexOf('#');
            if (HasText(line)) yield return new TextPiece(line, 0, comment < 0 ? line.Length : comment, number);
        }
    }

    /// <summary>Splits off a first word that is (a prefix of, as OVS allows) one of <paramref name="names"/>; -1 if it is none.</summary>
    private static int TakeCommand(ref TextPiece line, ReadOnlySpan<string> names)
    {
        TextPiece text = line.Trim();
        int n = text.Span.IndexOfAny(", \t\r\n");
        TextPiece word = n < 0 ? text : text.Slice(0, n);
        if (word.IsEmpty) return -1;
        for (int i = 0; i < names.Length; i++)
        {
            if (!names[i].AsSpan().StartsWith(word.Span)) continue;
            line = text.Slice(word.Length);
            return i;
        }

        return -1;
    }
}
