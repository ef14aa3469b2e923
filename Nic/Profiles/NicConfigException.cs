namespace Mergeflow.Nic;


/// <summary>A profile or fault plan that cannot be used; the message is one line and names the place.</summary>
public sealed class NicConfigException : Exception
{
    /// <summary>An error at a place in the text.</summary>
    /// <param name="source">File or name of the text.</param>
    /// <param name="path">Member, e.g. <c>exactMatch.entries</c>; empty = the whole text.</param>
    /// <param name="line">Line from 1; 0 = no line is known.</param>
    /// <param name="problem">What is wrong and what was expected.</param>
    public NicConfigException(string source, string path, int line, string problem)
        : base($"{source}:{(line > 0 ? $"{line}:" : "")}{(path.Length > 0 ? $" {path}:" : "")} {problem}")
    {
        Path = path;
        Line = line;
    }

    /// <summary>Member the error is about.</summary>
    public string Path { get; }

    /// <summary>Line from 1; 0 = unknown.</summary>
    public int Line { get; }
}
