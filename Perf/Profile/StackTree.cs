using System.Text.RegularExpressions;
using Match = System.Text.RegularExpressions.Match;

namespace Mergeflow.Perf;

/// <summary>Call stacks of many samples, merged from the root: how often each method was on the stack, and below which.</summary>
public sealed partial class StackTree
{
    private readonly SortedDictionary<string, StackTree> _children = new(StringComparer.Ordinal);

    private StackTree(string name) => Name = name;

    /// <summary>Method; of the root the thread.</summary>
    public string Name { get; }

    /// <summary>Samples in it or below.</summary>
    public int Samples { get; private set; }

    /// <summary>Called methods, by name.</summary>
    public IReadOnlyCollection<StackTree> Children => _children.Values;

    /// <summary>Frames from here to the deepest, this one included.</summary>
    public int Depth => 1 + _children.Values.Select(c => c.Depth).DefaultIfEmpty(0).Max();

    /// <summary>
    /// Reads what <c>perf script -F comm,tid,ip,sym</c> prints: per sample a line with the thread, one indented line per frame from the leaf to the
    /// root, an empty line.
    /// </summary>
    /// <param name="lines">Output of perf.</param>
    /// <param name="thread">Samples of this thread only.</param>
    public static StackTree ReadPerfScript(IEnumerable<string> lines, string thread)
    {
        var root = new StackTree(thread);
        var stack = new List<string>();
        bool isWanted = false;
        foreach (string line in lines.Append(""))
        {
            if (line.Trim().Length == 0)
            {
                if (isWanted && stack.Count > 0) root.Add(stack);
                stack.Clear();
                isWanted = false;
            }
            else if (line[0] is ' ' or '\t' && FrameLine().Match(line) is { Success: true } frame)
            {
                // Unknown: the runtime's start of the thread, below everything.
                string name = MethodName(frame.Groups[1].Value);
                if (name != "[unknown]") stack.Add(name);
            }
            else
            {
                isWanted = line.TrimStart().StartsWith(thread + " ", StringComparison.Ordinal);
            }
        }

        return root;
    }

    /// <summary>The symbol of a compiled method as the perf map has it, without signature, assembly and tier: <c>Dpcls::LookupBatch</c>.</summary>
    public static string MethodName(string symbol)
    {
        Match managed = ManagedSymbol().Match(symbol);
        return managed.Success ? $"{managed.Groups[1].Value}::{managed.Groups[2].Value}" : symbol.Trim();
    }

    private void Add(List<string> leafFirst)
    {
        StackTree at = this;
        at.Samples++;
        for (int i = leafFirst.Count - 1; i >= 0; i--)
        {
            if (!at._children.TryGetValue(leafFirst[i], out StackTree? child)) at._children.Add(leafFirst[i], child = new StackTree(leafFirst[i]));
            at = child;
            at.Samples++;
        }
    }

    [GeneratedRegex(@"^\s+[0-9a-f]+ (.+)$")]
    private static partial Regex FrameLine();

    [GeneratedRegex(@"\[[^\]]+\] (?:[\w.]+\.)?([\w`<>+]+(?:\[[^\]]*\])?)::([\w.<>|`]+)")]
    private static partial Regex ManagedSymbol();
}
