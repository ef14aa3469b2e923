namespace Mergeflow.Native;

/// <summary>A capture file that cannot be read. The message is one line: file, offset, what is wrong.</summary>
public sealed class CaptureFormatException : Exception
{
    /// <summary>Makes the one line.</summary>
    /// <param name="path">File as the user named it.</param>
    /// <param name="offsetBytes">Where in the file the trouble is.</param>
    /// <param name="problem">What is wrong there.</param>
    public CaptureFormatException(string path, long offsetBytes, string problem)
        : base($"{path}: offset {offsetBytes}: {problem}")
    {
        Path = path;
        OffsetBytes = offsetBytes;
        Problem = problem;
    }

    /// <summary>File as the user named it.</summary>
    public string Path { get; }

    /// <summary>Offset of the header or record that is wrong.</summary>
    public long OffsetBytes { get; }

    /// <summary>What is wrong, without file and offset.</summary>
    public string Problem { get; }
}
