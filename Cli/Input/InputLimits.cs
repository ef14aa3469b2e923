namespace Mergeflow.Cli;

/// <summary>How much of an input is held at once. Sizes are those of the text, not of the file: a few megabytes of gzip can be gigabytes of text.</summary>
public static class InputLimits
{
    /// <summary>Longest line, bytes: an event with a frame of 64 KiB needs 128 KiB, one with 100,000 flow modifications about 16 MiB.</summary>
    public const int MaxLineBytes = 64 << 20;

    /// <summary>Largest text that is held whole (flows, groups, dumps, configuration), bytes.</summary>
    public const int MaxTextBytes = 256 << 20;

    /// <summary>Largest copy of an input that can be read only once, for commands that read it again, bytes on disk.</summary>
    public const long MaxSpoolBytes = 4L << 30;
}
