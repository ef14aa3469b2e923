using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>Runs what parses or applies flows and groups, and says where the text stands that is refused.</summary>
internal sealed class ControlText
{
    private readonly string _name;
    private readonly int _eventLine;
    private readonly IReadOnlyList<int> _places;

    private ControlText(string name, int eventLine, IReadOnlyList<int> places) => (_name, _eventLine, _places) = (name, eventLine, places);

    /// <summary>A file of flows or groups: modification number i stands on the i-th line that has text to parse.</summary>
    public static ControlText OfFile(string path, string text)
    {
        List<int> lines = [];
        int number = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            number++;
            if (FlowTextParser.HasText(line)) lines.Add(number);
        }
        return new ControlText(Path.GetFileName(path), 0, lines);
    }

    /// <summary>An event on line <paramref name="eventLine"/> of <paramref name="name"/>; <paramref name="members"/>[i] is the element of <c>"lines"</c> that holds modification i.</summary>
    public static ControlText OfEvent(string name, int eventLine, IReadOnlyList<int> members) => new(name, eventLine, members);

    /// <summary>Runs <paramref name="action"/>; a refusal ends the command with one line.</summary>
    /// <param name="action">Parses or applies.</param>
    /// <param name="index">Number of the modification at which the action starts to count.</param>
    public void Run(Action action, int index = 0)
    {
        try
        {
            action();
        }
        catch (FlowTextException e)
        {
            int code = e is UnsupportedFeatureException ? ExitCode.MissingFeature : ExitCode.BadInput;
            int line = _eventLine > 0 ? _eventLine : e.Line;
            string place = _eventLine > 0 ? EventPlace(index) : string.Create(CultureInfo.InvariantCulture, $"{_name} line {line}");
            throw new CommandFailedException(code, string.Create(CultureInfo.InvariantCulture, $"{place}, column {e.Column}: {e.Message}"), line);
        }
        catch (FlowModException e)
        {
            int at = index + e.Index;
            int line = _eventLine > 0 ? _eventLine : at < _places.Count ? _places[at] : 0;
            string place = _eventLine > 0 ? EventPlace(at) : string.Create(CultureInfo.InvariantCulture, $"{_name} line {line}");
            throw new CommandFailedException(ExitCode.BadInput, $"{place}: {e.Message}", line);
        }
    }

    private string EventPlace(int index) => index < _places.Count
        ? string.Create(CultureInfo.InvariantCulture, $"{_name} line {_eventLine}: lines[{_places[index]}]")
        : string.Create(CultureInfo.InvariantCulture, $"{_name} line {_eventLine}");
}
