using System.CommandLine;

namespace Mergeflow.Cli;

/// <summary><c>man</c>: the manual, a page per command, made from the help.</summary>
public static class ManCommand
{
    /// <param name="program">Whose commands are described: all that the command's root has when it runs.</param>
    public static Command Create(ProgramInfo program)
    {
        Option<string> folder = new("--out") { Required = true, HelpName = "DIR", Description = "Where the pages go; man -l shows one, and man finds all in a folder man1 of its path." };
        Command command = new("man", "Write the manual, a page per command.");
        command.Options.Add(folder);
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(folder);
            if (path.Length == 0) CommandFailedException.ThrowUsage("--out: expected the name of a folder");
            CommandNode root = CommandNode.Of(parsed.RootCommandResult.Command);
            CommandNode[] commands = [.. root.All];
            Directory.CreateDirectory(path);
            foreach (CommandNode c in commands) OutputFile.Write(Path.Combine(path, $"{ManPage.NameOf(program, c)}.1"), ManPage.Write(program, root, c));
            parsed.InvocationConfiguration.Output.WriteLine($"written  {commands.Length} pages, the first one {Path.Combine(path, $"{program.Name}.1")}");
            return ExitCode.Ok;
        });
        return command;
    }
}
