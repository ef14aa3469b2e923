namespace Mergeflow.Cli;

/// <summary>What the help, the completion and the manual of a program need beside its commands.</summary>
/// <param name="Name">Of the program, e.g. <c>mergeflow</c>: what shells complete, and the name of its manual.</param>
/// <param name="TypedAs">How examples are typed, e.g. <c>./run-perf.sh</c>.</param>
/// <param name="Examples">By command (<c>offload why</c>; the program itself is empty), without the program's name in front.</param>
/// <param name="Exits">Exit codes and their meaning.</param>
public sealed record ProgramInfo(string Name, string TypedAs, IReadOnlyDictionary<string, string[]> Examples, IReadOnlyList<(string Code, string Meaning)> Exits)
{
    /// <summary>A command to type. Variables of the environment stand in front of the program.</summary>
    public string Typed(string example)
    {
        string[] words = example.Split(' ');
        int variables = words.TakeWhile(static w => char.IsAsciiLetterUpper(w[0]) && w.Contains('=', StringComparison.Ordinal)).Count();
        return string.Join(' ', [.. words[..variables], TypedAs, .. words[variables..]]);
    }
}
